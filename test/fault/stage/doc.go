// Package stage is what is under test, running: one embedded node, or several nodes on
// real engines, each link between them through a proxy of our own. It hides processes,
// ports and engines, and gives faults the means to break them.
package stage
