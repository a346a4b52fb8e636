/// The exit statuses of the program besides 0, for scripts that decide whether to start it again.
///
/// Under mpirun and srun the job has the status of the rank that failed first.
public enum ExitStatus: Int32, CaseIterable, Sendable {
  /// An error that was told. Starting again helps only once what it names has changed.
  case failure = 1
  /// `replay` computed what it was given, and what was recorded did not come again.
  case notReproduced = 2
  /// Arguments that cannot be understood (EX_USAGE).
  case usage = 64
  /// The processor is too old for the program (EX_UNAVAILABLE).
  case unavailable = 69
  /// Asked to stop, by a signal or by the end of its time, and saved: the same command with
  /// `--resume` goes on (EX_TEMPFAIL).
  case saved = 75
  /// Another rank is lost or did not arrive in time (EX_PROTOCOL). Starting again from the last
  /// checkpoint helps if the cause is gone.
  case rankLost = 76
}
