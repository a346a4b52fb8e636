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

  /// Makes the present size the peak; false if the kernel cannot.
  ///
  /// Linux does it when "5" is written there.
  static func forgetPeak() -> Bool {
    let file = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
    if file < 0 { return false }
    defer { close(file) }
    return write(file, "5", 1) == 1
  }

  /// The peak so far, in bytes.
  static func highWaterMark() -> Int { size("VmHWM") }

  /// Resident memory of the process now, in bytes.
  static var current: Int { size("VmRSS") }

  private static func size(_ name: String) -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
    let kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
    guard let kibibytes, let count = Int(kibibytes) else {
      preconditionFailure("/proc/self/status has no \(name)")
    }
    return count << 10
  }
}
