import CPlatform
import Foundation

/// The memory of this process that lies in RAM.
enum ResidentMemory {
  /// A peak, in bytes.
  struct Peak: Equatable {
    let bytes: Int
    /// False if the kernel cannot forget former peaks, so that this one may be theirs.
    let isExact: Bool
  }

  /// The most that is resident at any time while `body` runs, what was there before included.
  static func peak(during body: () -> Void) -> Peak {
    platform_return_freed_memory()
    let isExact = forgetPeak()
    body()
    return Peak(bytes: highWaterMark(), isExact: isExact)
  }

  /// Linux sets the mark to the present size when "5" is written there.
  private static func forgetPeak() -> Bool {
    let file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
    if file < 0 { return false }
    defer { close(file) }
    return write(file, "5", 1) == 1
  }

  private static func highWaterMark() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
    guard let kibibytes, let count = Int(kibibytes) else {
      preconditionFailure("/proc/self/status has no VmHWM")
    }
    return count << 10
  }
}
