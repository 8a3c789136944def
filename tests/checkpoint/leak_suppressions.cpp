// RocksDB 7.8 forgets some kilobytes when a flush fails for want of space, and goes on; what our
// own code allocates is still watched.
extern "C" const char* __lsan_default_suppressions();  // NOLINT

extern "C" const char* __lsan_default_suppressions() {  // NOLINT
  return "leak:librocksdb.so\n";
}
