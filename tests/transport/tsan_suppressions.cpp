// libzmq is not built with ThreadSanitizer and hands messages between its threads by its own
// lock-free queues, which TSan cannot see. What libzmq does through intercepted calls (memcpy,
// recv, send) is therefore left out; everything that our own code does is still watched. In C++20 a
// program may hold std::string's own functions, which libzmq then calls there: a write that comes
// from libzmq in this way is left out as well. RocksDB counts references by atomics of its own: the
// same goes for it, in the one program that lets two threads of ours use a database at a time.
extern "C" const char* __tsan_default_suppressions();  // NOLINT

extern "C" const char* __tsan_default_suppressions() {  // NOLINT
  return "called_from_lib:libzmq.so\ncalled_from_lib:libsodium.so\nrace:libzmq.so\n"
         "called_from_lib:librocksdb.so\nrace:librocksdb.so\n";
}
