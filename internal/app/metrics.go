package app

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/parley-chat/parley/internal/api"
	"github.com/parley-chat/parley/internal/gateway"
	"github.com/parley-chat/parley/internal/sequencer"
)

// meters are everything an operator can watch, under names that begin with parley_.
type meters struct {
	registry *prometheus.Registry
	delivery prometheus.Histogram
	requests *prometheus.HistogramVec

	append, fetch, tell prometheus.Histogram // of a record on its way through a log that is durable by itself

	batch, changes prometheus.Histogram
	load, commit   prometheus.Histogram
	panicked       prometheus.Counter
	gaveUp         prometheus.Counter
}

func newMeters() *meters {
	m := &meters{registry: prometheus.NewRegistry()}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "parley_" + name, Help: help, Buckets: buckets})
		m.registry.MustRegister(h)
		return h
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_" + name, Help: help})
		m.registry.MustRegister(c)
		return c
	}
	seconds := prometheus.ExponentialBuckets(0.0005, 2, 16) // 0.5 ms to 16 s
	counts := prometheus.ExponentialBuckets(1, 2, 12)
	m.delivery = histogram("delivery_seconds", "Age of an entry when its room on this node had it.", seconds)
	m.append = histogram("log_append_seconds", "Time until the brokers have a record of this node.", seconds)
	m.fetch = histogram("record_age_seconds", "Age of a command when its owner, this node, gets its record.", seconds)
	m.tell = histogram("record_tell_seconds", "Time from there until its entry is published and its sender answered.", seconds)
	m.batch = histogram("batch_records", "Records in one committed batch.", counts)
	m.changes = histogram("batch_changes", "Entries made by one committed batch.", counts)
	m.load = histogram("batch_load_seconds", "Time to load what commands need; while the store does not answer, until it does.", seconds)
	m.commit = histogram("batch_commit_seconds", "Time to make a batch durable.", seconds)
	m.panicked = counter("records_panicked_total", "Records refused because deciding them panicked.")
	m.gaveUp = counter("claims_given_up_total", "Times the owner of a partition gave it up after an error.")
	m.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "parley_http_request_seconds", Help: "HTTP requests by route.", Buckets: seconds,
	}, []string{"method", "route", "status"})
	m.registry.MustRegister(
		m.requests,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// sequencer gives the hooks of the partition owner.
func (m *meters) sequencer() sequencer.Metrics {
	return sequencer.Metrics{
		Batch: func(records, changes int, load, commit time.Duration) {
			m.batch.Observe(float64(records))
			m.changes.Observe(float64(changes))
			if load > 0 {
				m.load.Observe(load.Seconds())
			}
			m.commit.Observe(commit.Seconds())
		},
		Told: func(age, took time.Duration) {
			m.fetch.Observe(age.Seconds())
			m.tell.Observe(took.Seconds())
		},
		Loaded:   func(_ int, took time.Duration) { m.load.Observe(took.Seconds()) },
		Panicked: m.panicked.Inc,
		GaveUp:   m.gaveUp.Inc,
	}
}

// appending begins to take how long the log needs for a record.
func (m *meters) appending() (appended func()) {
	began := time.Now()
	return func() { m.append.Observe(time.Since(began).Seconds()) }
}

// answered counts an HTTP request.
func (m *meters) answered(r api.Answered) {
	m.requests.WithLabelValues(r.Method, r.Route, strconv.Itoa(r.Status)).Observe(r.Seconds)
}

func (m *meters) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry}))
	return mux
}

// watch registers what the parts of a node count by themselves.
func (m *meters) watch(a *App) {
	m.registry.MustRegister(&partsCollector{app: a, descriptions: describe(append(table(), a.readings...))})
	if a.carriers.kafka != nil {
		m.registry.MustRegister(lagCollector{a.carriers.kafka})
	}
	m.registry.MustRegister(poolCollector{a.store})
}

// reading is one figure of one reading of all parts.
type reading struct {
	name, help string
	kind       prometheus.ValueType
	value      func(r *readings) float64
}

// readings are taken together, once for each scrape.
type readings struct {
	app     *App
	gateway gateway.Stats
}

func gauge(name, help string, value func(*readings) float64) reading {
	return reading{"parley_" + name, help, prometheus.GaugeValue, value}
}

func total(name, help string, value func(*readings) float64) reading {
	return reading{"parley_" + name + "_total", help, prometheus.CounterValue, value}
}

// table is everything that is read from the parts.
func table() []reading {
	return []reading{
		gauge("sockets", "Authenticated sockets.", func(r *readings) float64 { return float64(r.gateway.Sockets) }),
		gauge("users", "People with a socket here, or a moment ago.", func(r *readings) float64 { return float64(r.gateway.Users) }),
		gauge("rooms", "Conversations that somebody here is in.", func(r *readings) float64 { return float64(r.gateway.Rooms) }),
		gauge("commands_pending", "Realtime commands whose outcome is not known.", func(r *readings) float64 { return float64(r.gateway.PendingCommands) }),
		gauge("work_waiting", "Realtime requests that wait for a worker.", func(r *readings) float64 { return float64(r.gateway.PendingWork) }),
		gauge("records_pending", "Commands of this node whose outcome is not known.", func(r *readings) float64 { return float64(r.app.service.Pending()) }),
		gauge("passwords_waiting", "Log-ins that wait for their password to be hashed.", func(r *readings) float64 {
			_, waiting := r.app.service.Hashed()
			return float64(waiting)
		}),
		total("passwords_hashed", "Passwords that were hashed.", func(r *readings) float64 {
			done, _ := r.app.service.Hashed()
			return float64(done)
		}),
		total("requests", "Realtime requests.", func(r *readings) float64 { return float64(r.gateway.Requests) }),
		total("requests_refused", "Realtime requests answered with an error.", func(r *readings) float64 { return float64(r.gateway.RefusedRequests) }),
		total("connects_refused", "Sockets refused.", func(r *readings) float64 { return float64(r.gateway.RefusedConnects) }),
		total("sockets_revoked", "Sockets ended because their session was.", func(r *readings) float64 { return float64(r.gateway.Revoked) }),
		total("sockets_cut_slow", "Sockets cut because they did not read.", func(r *readings) float64 { return float64(r.gateway.SlowCuts) }),
		total("sockets_behind", "Times a socket fell behind.", func(r *readings) float64 { return float64(r.gateway.Behind) }),
		total("events_in", "Events from the bus.", func(r *readings) float64 { return float64(r.gateway.EventsIn) }),
		total("events_out", "Events to sockets.", func(r *readings) float64 { return float64(r.gateway.EventsOut) }),
		total("events_duplicate", "Entries from the bus that had been delivered before.", func(r *readings) float64 { return float64(r.gateway.Duplicates) }),
		total("events_dropped", "Typing events there was no room for.", func(r *readings) float64 { return float64(r.gateway.Dropped) }),
		total("gaps", "Holes seen in the entries of a conversation.", func(r *readings) float64 { return float64(r.gateway.Gaps) }),
		total("gaps_filled", "Entries read from the store to fill holes.", func(r *readings) float64 { return float64(r.gateway.Filled) }),
		total("unknown_kinds", "Events and entries of kinds that this program does not know, from nodes of a newer version.", func(r *readings) float64 { return float64(r.gateway.Unknown) }),
		total("resyncs", "Times the bus may have lost events.", func(r *readings) float64 { return float64(r.gateway.Resyncs) }),
		total("work_refused", "Jobs refused because too many waited.", func(r *readings) float64 { return float64(r.gateway.Overloaded) }),
		total("panics", "Panics that were survived.", func(r *readings) float64 { return float64(r.gateway.Panics) }),
	}
}

type description struct {
	reading
	desc *prometheus.Desc
}

func describe(all []reading) []description {
	out := make([]description, 0, len(all))
	for _, r := range all {
		out = append(out, description{r, prometheus.NewDesc(r.name, r.help, nil, nil)})
	}
	return out
}

// partsCollector reads the parts when it is asked.
type partsCollector struct {
	app          *App
	descriptions []description
}

// Describe implements prometheus.Collector.
func (c *partsCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descriptions {
		ch <- d.desc
	}
}

// Collect implements prometheus.Collector.
func (c *partsCollector) Collect(ch chan<- prometheus.Metric) {
	now := &readings{app: c.app, gateway: c.app.gateway.Stats()}
	for _, d := range c.descriptions {
		ch <- prometheus.MustNewConstMetric(d.desc, d.kind, d.value(now))
	}
}
