/* All exporters, in the order of documents and metrics: X(name). SPDX-License-Identifier: Apache-2.0 */
X(traces)
X(metrics)
X(otlp_metrics)
X(logs)
