#include "common/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace muster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FileTest : public testing::Test {
 protected:
  void Put(const std::string& name, std::string_view text) {
    ASSERT_TRUE(WriteFileAtomically(dir_ / name, AsBytes(text), 0644).has_value());
  }
  std::string Get(const std::string& name) {
    auto bytes = ReadFile(dir_ / name, 1 << 20);
    return bytes ? std::string(AsText(*bytes)) : bytes.error().Text();
  }
  mode_t ModeOf(const std::string& name) {
    struct stat info {};
    EXPECT_EQ(stat((dir_ / name).c_str(), &info), 0);
    return info.st_mode & 07777;
  }
  bool Exists(const std::string& name) { return std::filesystem::exists(dir_ / name); }
  std::vector<std::string> Lines(const std::string& name) {
    auto lines = ReadLines(dir_ / name, 1 << 20);
    EXPECT_TRUE(lines.has_value()) << lines.error().Text();
    return lines ? *lines : std::vector<std::string>{};
  }

  TempDir dir_;
};

// --- Reading -------------------------------------------------------------------------------------

TEST_F(FileTest, AbsentFileIsNotFoundAndNamed) {
  const auto bytes = ReadFile(dir_ / "absent", 10);
  ASSERT_FALSE(bytes.has_value());
  EXPECT_EQ(bytes.error().reason, Reason::not_found);
  EXPECT_THAT(bytes.error().message, HasSubstr("cannot open " + (dir_ / "absent") + ": No such"));
}

TEST_F(FileTest, DirectoryIsUnreadableAsAFile) {
  EXPECT_EQ(ReadFile(dir_.path(), 10).error().reason, Reason::file_unreadable);
}

TEST_F(FileTest, ForbiddenFileIsUnreadable) {
  Put("secret", "x");
  chmod((dir_ / "secret").c_str(), 0);
  chmod(dir_.path().c_str(), 0755);
  EXPECT_EQ(RunAsOrdinaryUser([&] {
              const auto bytes = ReadFile(dir_ / "secret", 10);
              return !bytes && bytes.error().reason == Reason::file_unreadable;
            }),
            0);
}

TEST_F(FileTest, FileOfExactlyTheMostBytesIsRead) {
  Put("ten", "0123456789");
  EXPECT_EQ(ReadFile(dir_ / "ten", 10)->size(), 10U);
  EXPECT_EQ(ReadFile(dir_ / "ten", 9).error().reason, Reason::too_large);
}

TEST_F(FileTest, NoLimitIsALimitToo) {
  Put("ten", "0123456789");
  EXPECT_EQ(ReadFile(dir_ / "ten", ~std::uint64_t{0})->size(), 10U);
  Put("empty", "");
  EXPECT_EQ(ReadFile(dir_ / "empty", 0)->size(), 0U);
}

TEST_F(FileTest, EndlessDeviceEndsAtTheLimit) {
  EXPECT_EQ(ReadFile("/dev/zero", 1 << 20).error().reason, Reason::too_large);
}

TEST_F(FileTest, LargeFileComesBackWhole) {
  std::string text(1'000'003, 'a');
  for (std::size_t i = 0; i < text.size(); i += 977) text[i] = static_cast<char>(i);
  Put("large", text);
  const auto bytes = ReadFile(dir_ / "large", 1 << 30);
  ASSERT_TRUE(bytes.has_value());
  EXPECT_TRUE(AsText(*bytes) == text);
}

TEST_F(FileTest, InputFileReadsWhereItIsAskedAndNotBeyondTheEnd) {
  Put("digits", "0123456789");
  const auto file = InputFile::Open(dir_ / "digits");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->size(), 10U);
  Bytes four(4);
  ASSERT_TRUE(file->ReadAt(6, four).has_value());
  EXPECT_EQ(AsText(four), "6789");
  const Status beyond = file->ReadAt(7, four);
  EXPECT_EQ(beyond.error().reason, Reason::file_unreadable);
  EXPECT_THAT(beyond.error().message, HasSubstr("ends before byte 11"));
}

// --- Writing -------------------------------------------------------------------------------------

TEST_F(FileTest, WriteReplacesTheWholeFileAndLeavesNoOther) {
  Put("state", "a long first text");
  Put("state", "short");
  EXPECT_EQ(Get("state"), "short");
  EXPECT_FALSE(Exists("state.tmp"));
}

TEST_F(FileTest, ModeIsExactWhateverTheUmask) {
  const mode_t before = umask(077);
  ASSERT_TRUE(WriteFileAtomically(dir_ / "open", {}, 0644).has_value());
  umask(0);
  ASSERT_TRUE(WriteFileAtomically(dir_ / "secret", {}, 0600).has_value());
  umask(before);
  EXPECT_EQ(ModeOf("open"), 0644U);
  EXPECT_EQ(ModeOf("secret"), 0600U);
}

TEST_F(FileTest, DroppedWriterLeavesTheOldFileAndNothingElse) {
  Put("state", "old");
  {
    auto writer = AtomicFileWriter::Create(dir_ / "state", 0644);
    ASSERT_TRUE(writer.has_value());
    ASSERT_TRUE(writer->Write(AsBytes("half of the n")).has_value());
    EXPECT_TRUE(Exists("state.tmp"));
  }
  EXPECT_EQ(Get("state"), "old");
  EXPECT_FALSE(Exists("state.tmp"));
}

TEST_F(FileTest, LeftoverOfADeadWriterIsTakenOver) {
  EXPECT_EQ(RunInChild([&] {
              auto writer = AtomicFileWriter::Create(dir_ / "state", 0666);
              const bool wrote = writer && writer->Write(AsBytes("a long torn text"));
              if (wrote) _exit(0);  // without a destructor, as a kill
              return false;
            }),
            0);
  ASSERT_TRUE(Exists("state.tmp"));
  ASSERT_TRUE(WriteFileAtomically(dir_ / "state", AsBytes("new"), 0600).has_value());
  EXPECT_EQ(Get("state"), "new");
  EXPECT_EQ(ModeOf("state"), 0600U);
  EXPECT_FALSE(Exists("state.tmp"));
}

TEST_F(FileTest, SecondWriterOfOnePathIsRefused) {
  auto first = AtomicFileWriter::Create(dir_ / "state", 0644);
  ASSERT_TRUE(first.has_value());
  const auto second = AtomicFileWriter::Create(dir_ / "state", 0644);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().reason, Reason::state_in_use);
  ASSERT_TRUE(first->Write(AsBytes("first")).has_value());
  ASSERT_TRUE(first->Commit().has_value());
  EXPECT_EQ(Get("state"), "first");
  EXPECT_TRUE(AtomicFileWriter::Create(dir_ / "state", 0644).has_value());
}

TEST_F(FileTest, RacingWritersNeverMixTheirBytes) {
  constexpr int kWritesEach = 50;
  // Tries again at once when refused, so that it often opens what another is about to rename.
  const auto write = [&](char c) {
    const std::string text(1000, c);
    for (int done = 0; done < kWritesEach;) {
      const Status status = WriteFileAtomically(dir_ / "state", AsBytes(text), 0644);
      if (status) {
        ++done;
      } else {
        ASSERT_EQ(status.error().reason, Reason::state_in_use) << status.error().message;
      }
    }
  };
  Put("state", std::string(1000, 'a'));
  std::vector<std::thread> writers;
  for (char c : {'a', 'b', 'c'}) writers.emplace_back(write, c);
  for (int i = 0; i < 1000; ++i) {
    const std::string text = Get("state");
    EXPECT_TRUE(text == std::string(1000, text.empty() ? '?' : text[0])) << text;
  }
  for (std::thread& writer : writers) writer.join();
}

TEST_F(FileTest, LinkAtTheTemporaryNameIsNotFollowed) {
  Put("victim", "precious");
  ASSERT_EQ(symlink((dir_ / "victim").c_str(), (dir_ / "state.tmp").c_str()), 0);
  EXPECT_EQ(WriteFileAtomically(dir_ / "state", AsBytes("x"), 0644).error().reason,
            Reason::io_failed);
  EXPECT_EQ(Get("victim"), "precious");
}

TEST_F(FileTest, ReadOnlyDirectoryRefusesEveryWriter) {
  chmod(dir_.path().c_str(), 0555);
  EXPECT_EQ(RunAsOrdinaryUser([&] {
              const auto failed = [](const auto& result) {
                return !result && result.error().reason == Reason::io_failed &&
                       result.error().message.find("Permission denied") != std::string::npos;
              };
              return failed(WriteFileAtomically(dir_ / "state", {}, 0644)) &&
                     failed(MakeDirectories(dir_ / "a/b", 0755)) &&
                     failed(FileLock::Acquire(dir_ / "lock")) &&
                     failed(LineLog::Open(dir_ / "log"));
            }),
            0);
  chmod(dir_.path().c_str(), 0755);
}

TEST_F(FileTest, MissingDirectoryIsNamedByTheWrite) {
  const Status status = WriteFileAtomically(dir_ / "no/state", {}, 0644);
  EXPECT_EQ(status.error().reason, Reason::io_failed);
  EXPECT_THAT(status.error().message, HasSubstr("cannot create " + (dir_ / "no/state.tmp")));
}

TEST_F(FileTest, FullDeviceIsDiskFull) {
  auto log = LineLog::Open("/dev/full");
  ASSERT_TRUE(log.has_value());
  EXPECT_EQ(log->Append("line").error().reason, Reason::disk_full);
  EXPECT_EQ(SystemError(Reason::io_failed, "write", "f", ENOSPC).reason, Reason::disk_full);
  EXPECT_EQ(SystemError(Reason::io_failed, "write", "f", EDQUOT).reason, Reason::disk_full);
  EXPECT_EQ(SystemError(Reason::io_failed, "write", "f", EIO).reason, Reason::io_failed);
}

TEST_F(FileTest, RemoveIsContentWithAnAbsentFileOnly) {
  Put("file", "x");
  EXPECT_TRUE(RemoveFile(dir_ / "file").has_value());
  EXPECT_FALSE(Exists("file"));
  EXPECT_TRUE(RemoveFile(dir_ / "file").has_value());
  EXPECT_EQ(RemoveFile(dir_.path()).error().reason, Reason::io_failed);
}

TEST_F(FileTest, DirectoriesAreMadeWithTheirParentsAndMode) {
  EXPECT_TRUE(MakeDirectories(dir_ / "a//b/c/", 0700).has_value());
  EXPECT_EQ(ModeOf("a"), 0700U);
  EXPECT_EQ(ModeOf("a/b/c"), 0700U);
  EXPECT_TRUE(MakeDirectories(dir_ / "a/b/c", 0700).has_value());
  EXPECT_TRUE(MakeDirectories("/", 0700).has_value());
  EXPECT_TRUE(MakeDirectories(".", 0700).has_value());
}

TEST_F(FileTest, FileInTheWayOfADirectoryIsNamed) {
  Put("a", "x");
  for (const char* path : {"a", "a/b"}) {
    const Status status = MakeDirectories(dir_ / path, 0700);
    ASSERT_FALSE(status.has_value()) << path;
    EXPECT_THAT(status.error().message, HasSubstr((dir_ / "a") + ": Not a directory"));
  }
}

TEST_F(FileTest, RelativePathsWork) {
  EXPECT_EQ(RunInChild([&] {
              return chdir(dir_.path().c_str()) == 0 &&
                     WriteFileAtomically("here", AsBytes("x"), 0644).has_value() &&
                     MakeDirectories("a/b", 0755).has_value() &&
                     WriteFileAtomically("a/there", AsBytes("x"), 0644).has_value();
            }),
            0);
  EXPECT_EQ(Get("here"), "x");
  EXPECT_EQ(Get("a/there"), "x");
}

// --- Locks ---------------------------------------------------------------------------------------

// A process that holds the lock until Release.
class Holder {
 public:
  explicit Holder(const std::string& path) {
    if (pipe(ready_) != 0 || pipe(release_) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) Hold(path);
    char answer = 'n';
    held_ = read(ready_[0], &answer, 1) == 1 && answer == 'y';
  }
  ~Holder() {
    for (int fd : {ready_[0], ready_[1], release_[0], release_[1]}) close(fd);
  }
  bool held() const { return held_; }
  pid_t pid() const { return pid_; }
  void Kill() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  void Hold(const std::string& path) {
    const auto lock = FileLock::Acquire(path);
    const char answer = lock ? 'y' : 'n';
    if (write(ready_[1], &answer, 1) != 1) _exit(1);
    char never;
    close(release_[1]);
    (void)!read(release_[0], &never, 1);
    _exit(0);
  }

  int ready_[2];
  int release_[2];
  pid_t pid_;
  bool held_ = false;
};

TEST_F(FileTest, SecondLockHolderIsToldThePidOfTheFirst) {
  Holder holder(dir_ / "lock");
  ASSERT_TRUE(holder.held());
  const auto lock = FileLock::Acquire(dir_ / "lock");
  ASSERT_FALSE(lock.has_value());
  EXPECT_EQ(lock.error().reason, Reason::state_in_use);
  EXPECT_THAT(lock.error().message,
              HasSubstr((dir_ / "lock") + " is locked by process " + std::to_string(holder.pid())));
  holder.Kill();
  EXPECT_TRUE(FileLock::Acquire(dir_ / "lock").has_value()) << "a kill releases the lock";
}

TEST_F(FileTest, LockExcludesInsideOneProcessToo) {
  auto lock = FileLock::Acquire(dir_ / "lock");
  ASSERT_TRUE(lock.has_value());
  EXPECT_EQ(FileLock::Acquire(dir_ / "lock").error().reason, Reason::state_in_use);
  const FileLock moved = std::move(*lock);
  EXPECT_EQ(FileLock::Acquire(dir_ / "lock").error().reason, Reason::state_in_use);
}

TEST_F(FileTest, LockIsReleasedWithItsObject) {
  { ASSERT_TRUE(FileLock::Acquire(dir_ / "lock").has_value()); }
  EXPECT_TRUE(FileLock::Acquire(dir_ / "lock").has_value());
}

// --- Lines ---------------------------------------------------------------------------------------

TEST_F(FileTest, LinesComeBackInOrderOverReopening) {
  ASSERT_TRUE(LineLog::Open(dir_ / "log")->Append("one").has_value());
  auto log = LineLog::Open(dir_ / "log");
  ASSERT_TRUE(log->Append("").has_value());
  ASSERT_TRUE(log->Append("three").has_value());
  EXPECT_THAT(Lines("log"), ElementsAre("one", "", "three"));
}

TEST_F(FileTest, TornLastLineIsLeftOutByReaders) {
  Put("log", "one\ntwo\nthr");
  EXPECT_THAT(Lines("log"), ElementsAre("one", "two"));
}

TEST_F(FileTest, TornLastLineIsCutAtOpen) {
  Put("log", "one\ntwo\nthr");
  ASSERT_TRUE(LineLog::Open(dir_ / "log").has_value());
  EXPECT_EQ(Get("log"), "one\ntwo\n");
}

TEST_F(FileTest, FileOfOneTornLineIsCutToNothing) {
  Put("log", std::string(10'000, 'x'));
  ASSERT_TRUE(LineLog::Open(dir_ / "log").has_value());
  EXPECT_EQ(Get("log"), "");
}

TEST_F(FileTest, TornLineOverBlockBordersIsCutExactly) {
  for (std::size_t torn : {4095U, 4096U, 4097U, 8192U}) {
    Put("log", "whole\n" + std::string(torn, 'x'));
    ASSERT_TRUE(LineLog::Open(dir_ / "log").has_value());
    EXPECT_EQ(Get("log"), "whole\n") << torn;
  }
}

TEST_F(FileTest, TornLineOfAnotherWriterIsCutBeforeTheNextAppend) {
  auto log = LineLog::Open(dir_ / "log");
  ASSERT_TRUE(log->Append("one").has_value());
  {
    const FileDescriptor fd(open((dir_ / "log").c_str(), O_WRONLY | O_APPEND));
    ASSERT_EQ(write(fd.get(), "half", 4), 4);
  }
  ASSERT_TRUE(log->Append("two").has_value());
  EXPECT_EQ(Get("log"), "one\ntwo\n");
}

TEST_F(FileTest, WriterThatIsStoppedWithTheLockIsNotWaitedForForEver) {
  auto log = LineLog::Open(dir_ / "log");
  ASSERT_TRUE(log->Append("one").has_value());
  {
    const FileDescriptor stopped(open((dir_ / "log").c_str(), O_RDWR));
    ASSERT_EQ(flock(stopped.get(), LOCK_EX), 0);
    const Status appended = log->Append("two");
    ASSERT_FALSE(appended.has_value());
    EXPECT_EQ(appended.error().reason, Reason::state_in_use) << appended.error().Text();
    EXPECT_THAT(appended.error().message, HasSubstr("log is locked by another process"));
  }
  EXPECT_TRUE(log->Append("three").has_value());
  EXPECT_EQ(Get("log"), "one\nthree\n");
}

TEST_F(FileTest, LineThatDoesNotFitIsAbsentAndTheLogGoesOn) {
  EXPECT_EQ(RunInChild([&] {
              auto log = LineLog::Open(dir_ / "log");
              if (!log || !log->Append("one")) return false;
              signal(SIGXFSZ, SIG_IGN);
              const rlimit limit{.rlim_cur = 20, .rlim_max = 20};
              if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
              const Status status = log->Append(std::string(100, 'x'));
              return !status && status.error().reason == Reason::io_failed &&
                     log->Append("two").has_value();
            }),
            0);
  EXPECT_EQ(Get("log"), "one\ntwo\n");
}

TEST_F(FileTest, AppendersOfTwoProcessesNeverMixTheirLines) {
  constexpr int kLines = 300;
  const auto append = [&](char c) {
    auto log = LineLog::Open(dir_ / "log");
    for (int i = 0; i < kLines; ++i) {
      if (!log || !log->Append(std::string(100, c))) return false;
    }
    return true;
  };
  // Forked before anything else runs here: a child of several threads may find a lock held for
  // ever.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(append('b') ? 0 : 1);
  EXPECT_TRUE(append('a'));
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const auto lines = Lines("log");
  EXPECT_EQ(lines.size(), 2U * kLines);
  for (const std::string& line : lines) {
    EXPECT_TRUE(line == std::string(100, 'a') || line == std::string(100, 'b')) << line;
  }
}

TEST_F(FileTest, EmptyLogHasNoLines) {
  ASSERT_TRUE(LineLog::Open(dir_ / "log").has_value());
  EXPECT_THAT(Lines("log"), IsEmpty());
  EXPECT_EQ(ReadLines(dir_ / "absent", 10).error().reason, Reason::not_found);
}

TEST_F(FileTest, NewlineInsideALineIsABugOfTheCaller) {
  auto log = LineLog::Open(dir_ / "log");
  EXPECT_DEATH((void)log->Append("one\ntwo").has_value(), "holds a newline");
}

}  // namespace
}  // namespace muster
