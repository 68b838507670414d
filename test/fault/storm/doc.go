// Package storm is the table of faults and the plan of a run: which fault comes when and
// for how long, made of a seed alone, so that a run can be had again. A fault is two
// functions: one breaks something, the other mends it.
package storm
