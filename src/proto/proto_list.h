/* One line per protocol: X(name) for src/proto/name/, whose decoder ends with `const struct proto proto_name`. */
X(http)
X(dns)
X(redis)
X(mysql)
X(postgresql)
X(mongodb)
X(amqp)
