import Foundation
import TestSupport

/// Two emulated hosts, one of which is cut off.
enum CutNetwork {
  static func perform(_ ground: DrillGround) throws -> DrillOutcome {
    throw DrillSkipped(description: "to be written")
  }
}
