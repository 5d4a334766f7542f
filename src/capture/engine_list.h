/* One line per capture engine: X(name) for a file that ends with `const struct capture_engine capture_name`. */
X(file)
X(libpcap)
#ifdef __linux__
X(afpacket)
#endif
