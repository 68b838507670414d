// Package kafka is the log of a cluster: chat.Log on Apache Kafka (KRaft).
//
// Commands go to one plain topic (no compaction, no Kafka transactions) whose
// number of partitions is fixed when it is born; the key is the conversation, so
// that one partition, and so one owner, orders everything of a conversation. The
// consumer group only decides who owns what: positions are kept by the store, in
// the transaction that applies the records, and every fetch says where it starts.
//
// The package hides the client library, the encoding of records, the rebalance
// protocol, and what is done with records that cannot be read.
package kafka
