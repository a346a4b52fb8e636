import Foundation
import Platform

/// A terminal whose whole screen is drawn again and again, and given back as it was.
package struct ScreenTerminal {
  private let input: Int32
  private let output: FileDescriptorOutput
  private var before = termios()

  /// Takes the screen over; both are of a terminal. Keys arrive one by one and are not shown;
  /// Ctrl-C is one of them.
  package init(input: Int32 = STDIN_FILENO, output: Int32 = STDOUT_FILENO) {
    self.input = input
    self.output = FileDescriptorOutput(output)
    tcgetattr(input, &before)
    var keys = before
    keys.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
    tcsetattr(input, TCSANOW, &keys)
    self.output.write("\u{1b}[?1049h\u{1b}[?25l")
  }

  /// Gives the screen back.
  package func restore() {
    output.write("\u{1b}[?25h\u{1b}[?1049l")
    var before = before
    tcsetattr(input, TCSANOW, &before)
  }

  /// Columns and lines.
  package var size: (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(output.descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0
    else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Shows `lines` from the top of the screen.
  package func draw(_ lines: [String]) {
    // Line by line in place: what is cleared first would flicker.
    output.write("\u{1b}[H" + lines.map { $0 + "\u{1b}[K" }.joined(separator: "\n") + "\u{1b}[J")
  }

  /// Waits for a key, at most so long; nil if there was none.
  package func key(seconds: Double) -> UInt8? {
    var waiting = pollfd(fd: input, events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, Int32(seconds * 1000)) > 0 else { return nil }
    var byte: UInt8 = 0
    let count = read(input, &byte, 1)
    // A terminal that is gone is the end too.
    return count == 1 ? byte : 3
  }
}
