package app

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-chat/parley/internal/kafka"
	"github.com/parley-chat/parley/internal/redis"
	"github.com/parley-chat/parley/internal/sequencer"
	"github.com/parley-chat/parley/internal/sqlstore"
)

// kafkaReadings are the figures of a log in Kafka.
func kafkaReadings(log *kafka.Log) []reading {
	return []reading{
		gauge("log_waiting", "Records that wait for their owner on this node.", func(*readings) float64 {
			var sum int64
			for _, p := range log.Stats().Owned {
				sum += p.Lag
			}
			return float64(sum)
		}),
		gauge("log_partitions_owned", "Partitions that this node owns.", func(*readings) float64 { return float64(len(log.Stats().Owned)) }),
		gauge("log_pending", "Records that the brokers have not taken yet.", func(*readings) float64 { return float64(log.Stats().Pending) }),
		gauge("log_pending_bytes", "Bytes of records that the brokers have not taken yet.", func(*readings) float64 { return float64(log.Stats().PendingBytes) }),
		total("log_lost", "Records that the brokers did not take in time; their senders were told.", func(*readings) float64 { return float64(log.Stats().Lost) }),
		total("log_unreadable", "Records that nobody could read and that were put aside.", func(*readings) float64 { return float64(log.Stats().Unreadable) }),
	}
}

// redisReadings are the figures of a bus in Redis.
func redisReadings(bus *redis.Bus, limiter *redis.Limiter) []reading {
	return []reading{
		gauge("bus_subscriptions", "Topics this node hears.", func(*readings) float64 { return float64(bus.Stats().Topics) }),
		gauge("bus_links", "Connections to the bus that there should be.", func(*readings) float64 { return float64(bus.Stats().Links) }),
		gauge("bus_links_up", "Connections to the bus that there are.", func(*readings) float64 { return float64(bus.Stats().LinksUp) }),
		total("bus_links_lost", "Connections to the bus that were lost.", func(*readings) float64 { return float64(bus.Stats().LostLinks) }),
		total("bus_dropped", "Events that the bus dropped.", func(*readings) float64 {
			s := bus.Stats()
			return float64(s.DroppedIn + s.DroppedOut)
		}),
		total("bus_resyncs", "Times this node was told that it may have missed something.", func(*readings) float64 { return float64(bus.Stats().Resyncs) }),
		total("bus_unreadable", "Messages of the bus that this program could not read; newer nodes may send such.", func(*readings) float64 { return float64(bus.Stats().Unreadable) }),
		total("limits_alone", "Limits that this node counted by itself, for the shared ones were out of reach.", func(*readings) float64 { return float64(limiter.Local()) }),
	}
}

// lagReadings tell how far the owners on this node are ahead of the store.
func lagReadings(owner *sequencer.Sequencer) []reading {
	return []reading{
		gauge("window_records", "Records that were taken from the log and are not stored yet.", func(*readings) float64 { return float64(owner.Lag().Records) }),
		gauge("window_bytes", "Memory that records which are not stored yet hold, about.", func(*readings) float64 { return float64(owner.Lag().Bytes) }),
		gauge("window_parked", "Records that wait for the store to be decided.", func(*readings) float64 { return float64(owner.Lag().Parked) }),
		gauge("window_age_seconds", "Age in the window of the oldest record that is not stored yet.", func(*readings) float64 { return owner.Lag().Oldest.Seconds() }),
	}
}

// lagCollector tells how far the owners on this node are behind, for each partition.
type lagCollector struct{ log *kafka.Log }

var lagDesc = prometheus.NewDesc("parley_log_lag", "Records of a partition that its owner, this node, has not been given.", []string{"partition"}, nil)

// Describe implements prometheus.Collector.
func (lagCollector) Describe(ch chan<- *prometheus.Desc) { ch <- lagDesc }

// Collect implements prometheus.Collector.
func (c lagCollector) Collect(ch chan<- prometheus.Metric) {
	for _, p := range c.log.Stats().Owned {
		ch <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(p.Lag), strconv.Itoa(int(p.Partition)))
	}
}

// poolCollector tells how busy the connections to the database are.
type poolCollector struct{ store *sqlstore.Store }

var (
	poolUsed   = poolDesc("connections_used", "Connections to the database in use.")
	poolOpen   = poolDesc("connections_open", "Connections to the database.")
	poolMost   = poolDesc("connections_max", "Connections to the database that there may be.")
	poolWaits  = poolDesc("connection_waits_total", "Times that work waited for a connection to the database.")
	poolWaited = poolDesc("connection_wait_seconds_total", "Time that work waited for a connection to the database.")
)

func poolDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("parley_store_"+name, help, []string{"pool"}, nil)
}

// Describe implements prometheus.Collector.
func (poolCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolUsed, poolOpen, poolMost, poolWaits, poolWaited} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c poolCollector) Collect(ch chan<- prometheus.Metric) {
	for _, p := range c.store.Pools() {
		gauge := func(d *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, p.Name)
		}
		gauge(poolUsed, float64(p.Used))
		gauge(poolOpen, float64(p.Open))
		gauge(poolMost, float64(p.Most))
		ch <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(p.Waited), p.Name)
		ch <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, p.WaitedFor.Seconds(), p.Name)
	}
}
