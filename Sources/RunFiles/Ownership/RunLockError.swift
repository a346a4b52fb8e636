import Files

/// Why a run folder is not, or no longer, this process's own.
package enum RunLockError: Error, Equatable, CustomStringConvertible {
  /// Another process trains there; nil if the lock file does not name it.
  case busy(folder: String, owner: RunOwner?)
  /// Another process has taken the folder since.
  case lost(folder: String, owner: RunOwner?)
  /// The folder cannot be made.
  case folder(RunFolderError)
  /// The lock file cannot be written or locked.
  case file(AtomicFileError)

  /// One sentence that names the folder, and its owner, and says what to do.
  package var description: String {
    switch self {
    case .busy(let folder, let owner):
      "\(folder): \(Self.name(owner)) trains here\(Self.since(owner)); wait for it, stop it, or "
        + "choose another --run-dir"
    case .lost(let folder, let owner):
      "\(folder): \(Self.name(owner)) trains here\(Self.since(owner)), so this run, which began "
        + "before, writes nothing more; the lock file was removed, or this process gave no sign of "
        + "life for long; stop one of the two"
    case .folder(let error): error.description
    case .file(let error): error.description
    }
  }

  private static func name(_ owner: RunOwner?) -> String { owner?.name ?? "another process" }

  private static func since(_ owner: RunOwner?) -> String {
    owner.map { " since \($0.sinceText)" } ?? ""
  }
}
