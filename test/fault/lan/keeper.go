package lan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
)

// keeper is a process that waits for the end of the run, however that comes (a kill too),
// and then removes what the run made: the kernel would keep it until the machine restarts.
type keeper struct {
	cmd   *exec.Cmd
	alive io.WriteCloser // its other end sees when nobody holds this one
	said  bytes.Buffer
	ended bool
	err   error
}

// keep starts a keeper of namespaces and of a link. They need not exist yet.
func keep(spaces []string, link string) (*keeper, error) {
	k := &keeper{cmd: exec.Command("sh", "-c", cleaning(spaces, link))}
	// What the terminal sends to the run is not for it.
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	k.cmd.Stdout, k.cmd.Stderr = &k.said, &k.said
	var err error
	if k.alive, err = k.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start a keeper: %w", err)
	}
	if err := k.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a keeper: %w", err)
	}
	return k, nil
}

// cleaning is what a keeper runs. The link goes first: with it goes its other end, and
// every route over it.
func cleaning(spaces []string, link string) string {
	lines := []string{"cat >/dev/null", "status=0", fmt.Sprintf("[ ! -e /sys/class/net/%s ] || ip link del %[1]s || status=1", link)}
	for _, s := range spaces {
		lines = append(lines, fmt.Sprintf("[ ! -e /run/netns/%s ] || ip netns del %[1]s || status=1", s))
	}
	return strings.Join(append(lines, "exit $status"), "\n")
}

// end has it remove everything now, and waits for that.
func (k *keeper) end() error {
	if k.ended {
		return k.err
	}
	k.ended = true
	err := k.alive.Close()
	if werr := k.cmd.Wait(); werr != nil {
		err = errors.Join(err, fmt.Errorf("%w: %s", werr, bytes.TrimSpace(k.said.Bytes())))
	}
	if err != nil {
		k.err = fmt.Errorf("remove the network: %w", err)
	}
	return k.err
}
