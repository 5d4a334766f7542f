/* One line per command: X(name) for src/cmd/name.c, which ends with `const struct command command_name`. */
X(watch)
X(agent)
X(ifaces)
X(config)
X(protocols)
X(version)
X(completion)
X(help)
