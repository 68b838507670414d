package timeline

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"time"
)

// Second is what happened in one second of a run.
type Second struct {
	Acked int
	P50   time.Duration // of sends that were acked in it, from the first try
	P99   time.Duration
}

// Window is a fault window as it went.
type Window struct {
	Name       string
	From, To   time.Duration // since the run began
	SendsAfter time.Duration // from healing until every send under way had its answer
	HeadsAfter time.Duration // from healing until every device was at the head
}

// Anomaly is a broken promise; Excerpt is what shows it.
type Anomaly struct {
	At      time.Duration
	Title   string
	Excerpt []string
}

// Run is all that is drawn.
type Run struct {
	Title     string
	Facts     [][2]string
	Seconds   []Second
	Windows   []Window
	Anomalies []Anomaly
}

const (
	width     = 1200
	height    = 220
	margin    = 44
	colorLine = "#2563eb"
	colorP50  = "#16a34a"
	colorP99  = "#d97706"
)

// Write draws a run.
func Write(w io.Writer, r Run) error {
	type drawn struct {
		Run
		Throughput, Latency template.HTML
	}
	var acked, p50, p99 []float64
	for _, s := range r.Seconds {
		acked = append(acked, float64(s.Acked))
		p50 = append(p50, float64(s.P50.Microseconds())/1000)
		p99 = append(p99, float64(s.P99.Microseconds())/1000)
	}
	err := page.Execute(w, drawn{
		Run:        r,
		Throughput: r.chart("acked sends a second", false, series{colorLine, acked}),
		Latency:    r.chart("milliseconds from send to ack (logarithmic): median, 99 %", true, series{colorP50, p50}, series{colorP99, p99}),
	})
	if err != nil {
		return fmt.Errorf("draw the timeline: %w", err)
	}
	return nil
}

type series struct {
	color  string
	values []float64
}

// chart draws series over the fault windows. Everything in it is made here, but the
// names of the faults, which are escaped.
func (r Run) chart(title string, logarithmic bool, all ...series) template.HTML {
	seconds := max(len(r.Seconds), 1)
	for _, w := range r.Windows {
		seconds = max(seconds, int(w.To.Seconds())+1)
	}
	top := 1.0
	for _, s := range all {
		for _, v := range s.values {
			top = max(top, v)
		}
	}
	scale := func(v float64) float64 { return v / top }
	if logarithmic {
		scale = func(v float64) float64 { return math.Log1p(v) / math.Log1p(top) }
	}
	x := func(sec float64) float64 { return margin + sec/float64(seconds)*(width-2*margin) }
	y := func(v float64) float64 { return height - 24 - scale(v)*(height-50) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img"><text x="%d" y="16" class="t">%s; the highest is %.0f</text>`, width, height, margin, title, top)
	for _, w := range r.Windows {
		from, to := x(w.From.Seconds()), x(w.To.Seconds())
		fmt.Fprintf(&b, `<rect x="%.1f" y="24" width="%.1f" height="%d" class="w"><title>%s, %.1f s to %.1f s</title></rect>`,
			from, max(to-from, 1), height-48, template.HTMLEscapeString(w.Name), w.From.Seconds(), w.To.Seconds())
	}
	for _, a := range r.Anomalies {
		fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="24" y2="%d" class="a"><title>%s</title></line>`,
			x(a.At.Seconds()), x(a.At.Seconds()), height-24, template.HTMLEscapeString(a.Title))
	}
	for _, s := range all {
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" points="`, s.color)
		for i, v := range s.values {
			fmt.Fprintf(&b, "%.1f,%.1f ", x(float64(i)+0.5), y(v))
		}
		b.WriteString(`"/>`)
	}
	for i := range 7 {
		sec := float64(seconds) * float64(i) / 6
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" class="s">%.0f s</text>`, x(sec), height-6, sec)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

//nolint:gochecknoglobals // parsed once
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"s": func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) },
}).Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{{.Title}}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:1240px;margin:2em auto;padding:0 1em;color:#1f2937}
svg{width:100%;background:#f9fafb;border:1px solid #e5e7eb;margin:.5em 0}
.t{font-size:13px;fill:#374151}.s{font-size:11px;fill:#6b7280;text-anchor:middle}
.w{fill:#fca5a5;opacity:.45}.a{stroke:#b91c1c;stroke-width:2}
polyline{stroke-width:1.3}
table{border-collapse:collapse}td,th{padding:.1em .8em;text-align:left;border-bottom:1px solid #e5e7eb}
pre{background:#fef2f2;padding:.6em;overflow:auto}
</style>
<h1>{{.Title}}</h1>
<table>{{range .Facts}}<tr><th>{{index . 0}}</th><td>{{index . 1}}</td></tr>{{end}}</table>
{{.Throughput}}{{.Latency}}
<p>Red areas are fault windows, from the breaking to the mending; red lines are anomalies, at the moment they were found.</p>
<h2>Anomalies: {{len .Anomalies}}</h2>
{{range .Anomalies}}<h3>{{s .At}}: {{.Title}}</h3><pre>{{range .Excerpt}}{{.}}
{{end}}</pre>{{end}}
<h2>Fault windows: {{len .Windows}}</h2>
<table><tr><th>fault</th><th>from</th><th>to</th><th>sends answered after</th><th>devices at the head after</th></tr>
{{range .Windows}}<tr><td>{{.Name}}</td><td>{{s .From}}</td><td>{{s .To}}</td><td>{{s .SendsAfter}}</td><td>{{s .HeadsAfter}}</td></tr>{{end}}
</table></html>
`))
