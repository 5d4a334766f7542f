/* The exporters' rows of the root's table. Included by schema.c alone. SPDX-License-Identifier: Apache-2.0 */
#ifndef PACKETD_CONFIG_SCHEMA_EXPORTER_H
#define PACKETD_CONFIG_SCHEMA_EXPORTER_H

#define TLS_KEYS(where, member, new_)                                                                                              \
	{ where ".tls.caFile", KEY_TEXT, new_, AT(member.tls.ca_file), .fallback = "",                                             \
	  .meaning = "PEM file of the authorities that are believed; empty: the system's" },                                       \
	{ where ".tls.certFile", KEY_TEXT, new_, AT(member.tls.cert_file), .fallback = "", .meaning = "client certificate, PEM" },  \
	{ where ".tls.keyFile", KEY_TEXT, new_, AT(member.tls.key_file), .fallback = "", .meaning = "its private key, PEM" },       \
	{ where ".tls.serverName", KEY_TEXT, new_, AT(member.tls.server_name), .fallback = "",                                     \
	  .meaning = "name the server's certificate has to carry; empty: the host of the endpoint" },                              \
	{ where ".tls.insecureSkipVerify", KEY_BOOL, new_, AT(member.tls.insecure_skip_verify), .fallback = "false",               \
	  .meaning = "believe any certificate" }

#define AUTH_KEYS(where, member, new_)                                                                                              \
	{ where ".auth.username", KEY_TEXT, new_, AT(member.auth.username), .fallback = "", .meaning = "user of basic authentication" }, \
	{ where ".auth.password", KEY_SECRET, new_, AT(member.auth.password), .fallback = "",                                      \
	  .meaning = "its password; better from a file or ${VARIABLE}" },                                                         \
	{ where ".auth.passwordFile", KEY_SECRET_FILE, new_, AT(member.auth.password), .meaning = "file that holds the password" },  \
	{ where ".auth.bearerToken", KEY_SECRET, new_, AT(member.auth.bearer), .fallback = "", .meaning = "bearer token, instead of a user" }, \
	{ where ".auth.bearerTokenFile", KEY_SECRET_FILE, new_, AT(member.auth.bearer), .meaning = "file that holds the token" }

/* Rows of struct config_delivery that every exporter has. */
#define DELIVERY_KEYS(where, member, compressions, compression_, retry_, queue_)                                                   \
	{ where ".compression", KEY_WORD, KEY_NEW, AT(member.compression), .fallback = compression_, .choices = compressions,      \
	  .meaning = "of what is sent" },                                                                                         \
	TLS_KEYS(where, member, KEY_NEW), AUTH_KEYS(where, member, KEY_NEW),                                                       \
	{ where ".retryFor", KEY_DURATION, KEY_NEW, AT(member.retry_max), .fallback = retry_,                                      \
	  .meaning = "what could not be delivered is given up when it is older; 0: never, until the queue is full" },              \
	{ where ".queueSize", KEY_SIZE, KEY_NEW, AT(member.queue_bytes), .min = 64 * KIB, .max = 64 * 1024 * MIB, .fallback = queue_, \
	  .meaning = "memory for what waits to be delivered" },                                                                   \
	{ where ".spool.directory", KEY_TEXT, KEY_NEW, AT(member.spool_dir), .fallback = "",                                       \
	  .meaning = "directory for what waits while the back end is away, and over a restart; empty: memory only" },             \
	{ where ".spool.maxSize", KEY_SIZE, KEY_NEW, AT(member.spool_bytes), .min = MIB, .fallback = "1GiB", .meaning = "of that directory" }

#define OTLP_KEYS(where, member, new_, path, what, batch_, interval_)                                                                                \
	{ where ".enabled", KEY_BOOL, new_, AT(member.d.enabled), .fallback = "false", .meaning = "send " what " to an OpenTelemetry collector" }, \
	{ where ".endpoint", KEY_TEXT, new_, AT(member.d.endpoint), .fallback = "", .check = check_otlp_endpoint,                  \
	  .example = "http://localhost:4318" path, .meaning = "whole URL for http; host:port or URL for grpc" },                   \
	{ where ".protocol", KEY_CHOICE, KEY_NEW, AT(member.protocol), .fallback = "http", .choices = otlp_protocols,              \
	  .meaning = "protobuf over HTTP, or gRPC" },                                                                             \
	{ where ".header", KEY_PAIRS, (new_) | KEY_HIDE, AT(member.d.header), .check = check_header, .example = "{X-Scope-OrgID: team-a}",      \
	  .meaning = "more request headers" },                                                                                    \
	{ where ".batch", KEY_NUMBER, (new_) | KEY_POSITIVE, AT(member.d.batch), .min = 1, .max = 100000, .fallback = batch_, \
	  .meaning = "sent as soon as so many have come together" },                                                              \
	{ where ".interval", KEY_DURATION, (new_) | KEY_POSITIVE, AT(member.d.interval), .min = NS_PER_MS, .fallback = interval_, \
	  .meaning = "and at least so often" },                                                                                   \
	{ where ".timeout", KEY_DURATION, (new_) | KEY_POSITIVE, AT(member.d.timeout), .min = NS_PER_MS, .fallback = "15s", .meaning = "of a request" }, \
	DELIVERY_KEYS(where, member.d, compressions_http, "none", "30m", "32MiB")

#endif
