// Prints how long client_golang takes for the text of the same series as `metrics_probe series N text c`: "seconds bytes" of the best of 5.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	labels := []string{"server_address", "server_port", "method", "route", "status_code"}
	registry := prometheus.NewRegistry()
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests that were answered."}, labels)
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "How long.",
		Buckets: []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600}}, labels)
	registry.MustRegister(requests, durations)
	for i := 0; i < n; i++ {
		values := []string{fmt.Sprintf("10.1.%d.%d", i>>8&255, i&255), "8080", "GET", fmt.Sprintf("/api/v1/things/%d", i>>16), "200"}
		requests.WithLabelValues(values...).Add(float64(i))
		if i%20 == 0 {
			durations.WithLabelValues(values...).Observe(float64(i) * 0.001234567)
		}
	}
	best, size := time.Hour, 0
	for i := 0; i < 5; i++ {
		begin := time.Now()
		families, err := registry.Gather()
		if err != nil {
			panic(err)
		}
		var out bytes.Buffer
		encoder := expfmt.NewEncoder(&out, expfmt.NewFormat(expfmt.TypeTextPlain))
		for _, family := range families {
			if err := encoder.Encode(family); err != nil {
				panic(err)
			}
		}
		best, size = min(best, time.Since(begin)), out.Len()
	}
	fmt.Printf("%.6f %d\n", best.Seconds(), size)
}
