// A server that takes remote write 1.0 and 2.0 the way Prometheus does, with its handler and its store, and prints the series as
// JSON lines when it is interrupted.
//
//	rwsink ADDRESS FOLDER
//
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type series struct {
	Labels     map[string]string
	Times      []int64
	Values     []string
	Histograms []string
}

func main() {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	options := tsdb.DefaultOptions()
	options.EnableNativeHistograms = true
	options.RetentionDuration = math.MaxInt64 / 4
	db, err := tsdb.Open(os.Args[2], logger, prometheus.NewRegistry(), options, nil)
	check(err)
	kinds := []config.RemoteWriteProtoMsg{config.RemoteWriteProtoMsgV1, config.RemoteWriteProtoMsgV2}
	listener, err := net.Listen("tcp", os.Args[1])
	check(err)
	go http.Serve(listener, remote.NewWriteHandler(logger, prometheus.NewRegistry(), db, kinds, false))
	fmt.Fprintln(os.Stderr, "ready")
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt)
	<-end
	querier, err := db.Querier(math.MinInt64, math.MaxInt64)
	check(err)
	set := querier.Select(context.Background(), true, nil, labels.MustNewMatcher(labels.MatchRegexp, "__name__", ".+"))
	out := json.NewEncoder(os.Stdout)
	for set.Next() {
		s := series{Labels: set.At().Labels().Map()}
		i := set.At().Iterator(nil)
		for kind := i.Next(); kind != chunkenc.ValNone; kind = i.Next() {
			switch kind {
			case chunkenc.ValFloat:
				t, v := i.At()
				s.Times = append(s.Times, t)
				s.Values = append(s.Values, fmt.Sprintf("%v/%x", v, math.Float64bits(v)))
			case chunkenc.ValHistogram:
				t, h := i.AtHistogram(nil)
				s.Times = append(s.Times, t)
				s.Histograms = append(s.Histograms, h.String())
			}
		}
		check(out.Encode(s))
	}
	check(set.Err())
}
