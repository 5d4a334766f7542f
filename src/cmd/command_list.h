/* One line per command: X(name) for src/cmd/name.c, which ends with `const struct command command_name`. */
X(ifaces)
X(version)
X(help)
