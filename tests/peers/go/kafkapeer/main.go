// What an application does with Kafka through franz-go, which may be held to the requests of an old version.
// usage: kafkapeer HOST:PORT NAME RECORDS [VERSION]; prints the requests it wrote, by API and version, and its records, as a line of JSON.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

type counts struct {
	lock sync.Mutex

	Client   string         `json:"client"`
	Written  map[string]int `json:"written"`
	Produced int            `json:"produced"`
	Consumed int            `json:"consumed"`
}

func (c *counts) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, bytes int, _, _ time.Duration, err error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if err == nil {
		c.Written[fmt.Sprintf("%s %d", kmsg.NameForKey(key), bytes)]++
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func create(ctx context.Context, client *kgo.Client, topic string) {
	create := kmsg.NewPtrCreateTopicsRequest()
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, 2, 1
	create.Topics = append(create.Topics, t)
	create.TimeoutMillis = 20000
	_, err := create.RequestWith(ctx, client)
	must(err)
}

func main() {
	where, name := os.Args[1], os.Args[2]
	records, _ := strconv.Atoi(os.Args[3])
	c := &counts{Client: name, Written: map[string]int{}}
	options := []kgo.Opt{kgo.SeedBrokers(where), kgo.ClientID(name), kgo.WithHooks(c), kgo.ConsumeTopics(name), kgo.ConsumerGroup(name),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.DefaultProduceTopic(name), kgo.ProducerBatchCompression(kgo.GzipCompression())}
	if len(os.Args) > 4 {
		old := kversion.FromString(os.Args[4])
		options = append(options, kgo.MaxVersions(old))
		if !old.HasKey(22) { // InitProducerId
			options = append(options, kgo.DisableIdempotentWrite())
		}
	}
	client, err := kgo.NewClient(options...)
	must(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	create(ctx, client, name)
	for i := 0; i < records; i++ {
		must(client.ProduceSync(ctx, &kgo.Record{Value: make([]byte, i%300), Key: []byte(strconv.Itoa(i))}).FirstErr())
		c.Produced++
	}
	for c.Consumed < records {
		fetches := client.PollFetches(ctx)
		must(fetches.Err())
		c.Consumed += fetches.NumRecords()
	}
	must(client.CommitUncommittedOffsets(ctx))
	client.LeaveGroup()
	client.Close()
	c.lock.Lock()
	line, _ := json.Marshal(c)
	fmt.Println(string(line))
}
