// A server that takes OTLP the way the OpenTelemetry Collector does, with its receiver, and prints what came as JSON lines.
//
//	otlpsink GRPC-ADDRESS HTTP-ADDRESS
//
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

var lock sync.Mutex

func line(data []byte, err error) error {
	lock.Lock()
	defer lock.Unlock()
	if err == nil {
		_, err = os.Stdout.Write(append(data, '\n'))
	}
	return err
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	ctx := context.Background()
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	settings := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{
		"grpc": map[string]any{"endpoint": os.Args[1]}, "http": map[string]any{"endpoint": os.Args[2]}}})
	check(settings.Unmarshal(config))
	traces, err := consumer.NewTraces(func(_ context.Context, d ptrace.Traces) error {
		return line((&ptrace.JSONMarshaler{}).MarshalTraces(d))
	})
	check(err)
	metrics, err := consumer.NewMetrics(func(_ context.Context, d pmetric.Metrics) error {
		return line((&pmetric.JSONMarshaler{}).MarshalMetrics(d))
	})
	check(err)
	logs, err := consumer.NewLogs(func(_ context.Context, d plog.Logs) error {
		return line((&plog.JSONMarshaler{}).MarshalLogs(d))
	})
	check(err)
	set := receivertest.NewNopSettings(factory.Type())
	host := componenttest.NewNopHost()
	t, err := factory.CreateTraces(ctx, set, config, traces)
	check(err)
	m, err := factory.CreateMetrics(ctx, set, config, metrics)
	check(err)
	l, err := factory.CreateLogs(ctx, set, config, logs)
	check(err)
	for _, c := range []component.Component{t, m, l} {
		check(c.Start(ctx, host))
	}
	fmt.Fprintln(os.Stderr, "ready")
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt)
	<-end
	for _, c := range []component.Component{t, m, l} {
		check(c.Shutdown(ctx))
	}
}
