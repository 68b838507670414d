// Package floorplan keeps the house in shape. It holds only tests: they parse the
// tree and fail when a package imports what it may not, when a driver leaves its
// room, when a goroutine starts where nobody owns it, when a file grows too long,
// or when something that belongs to a workplace got into the repository.
//
// It hides how the tree is read; nothing imports it.
package floorplan
