//go:build !linux

package engineio

import "net"

// pollerSet is empty where there is no epoll: the portable links serve alone.
type pollerSet struct{}

func (*pollerSet) active() bool { return false }

func (*pollerSet) close() error { return nil }

func (*Server) startPollers(int) {}

func (*Server) newEpollLink(*pipe, net.Conn) link { return nil }
