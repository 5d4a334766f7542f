/* All exporters, in the order of documents and metrics: X(name). SPDX-License-Identifier: Apache-2.0 */
X(roundtrips)
X(metrics)
X(traces)
X(otlp_metrics)
X(logs)
X(elasticsearch)
X(kafka)
