package socketio

// RoomCount is the number of rooms that exist.
func (ns *Namespace) RoomCount() int {
	n := 0
	for i := range ns.rooms {
		ns.rooms[i].mu.Lock()
		n += len(ns.rooms[i].byName)
		ns.rooms[i].mu.Unlock()
	}
	return n
}
