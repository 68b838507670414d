// Package timeline draws a run as one HTML file that needs nothing else: throughput
// second by second, latencies, the fault windows, and what was wrong. It hides how it is drawn.
package timeline
