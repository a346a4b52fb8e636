import KernelAPI

#if DEBUG
  private let usualGuardCount = laneCount
#else
  private let usualGuardCount = 0
#endif

/// One allocation for several parts, sized by the list of parts that carves it.
///
/// A slab may be carved again and again, for the next tile into other parts. Where it has guards
/// between them, as in debug builds, a part that was written beyond its end stops the program when
/// the slab is carved again or goes.
package final class Slab {
  private let storage: Storage
  private let guardCount: Int
  private var guards: [Int] = []
  // A NaN that arithmetic does not make, so that a kernel that reads it shows it.
  private static let guardValue = Float(nan: 0x5_1ab0, signaling: false)

  private init(count: Int, guardCount: Int, zeroed: Bool) {
    self.guardCount = guardCount
    storage = zeroed ? Storage(count: count) : Storage(uninitialized: count)
  }

  /// Room for `parts`, of zeros or of anything.
  ///
  /// - Parameters:
  ///   - zeroed: Whether the memory is set to zero.
  ///   - guardCount: Floats of a guard, a multiple of `laneCount`; 0 for none.
  ///   - parts: Carves the parts in their order.
  package convenience init(
    zeroed: Bool = false, guardCount: Int? = nil, for parts: (inout SlabCarver) -> some Any
  ) {
    let guardCount = guardCount ?? usualGuardCount
    self.init(
      count: SlabCarver.floatCount(guardCount: guardCount, of: parts), guardCount: guardCount,
      zeroed: zeroed)
  }

  /// Room for the parts of any one of `subjects`.
  convenience init<Subject>(
    forAnyOf subjects: [Subject], _ parts: (inout SlabCarver, Subject) -> some Any
  ) {
    let counts = subjects.map { subject in
      SlabCarver.floatCount(guardCount: usualGuardCount) { parts(&$0, subject) }
    }
    self.init(count: counts.max() ?? 0, guardCount: usualGuardCount, zeroed: false)
  }

  /// A slab, and the parts that it is carved into once and for all.
  package static func carved<Parts>(
    zeroed: Bool = false, _ parts: (inout SlabCarver) -> Parts
  ) -> (slab: Slab, parts: Parts) {
    let slab = Slab(zeroed: zeroed, for: parts)
    return (slab, slab.carve(parts))
  }

  deinit { precondition(guardsAreIntact, "Slab: a part was written beyond its end") }

  /// The parts; those of earlier calls may not be used any more.
  package func carve<Parts>(_ parts: (inout SlabCarver) -> Parts) -> Parts {
    precondition(guardsAreIntact, "Slab: a part was written beyond its end")
    var carver = SlabCarver(storage.base, guardCount: guardCount)
    let result = parts(&carver)
    precondition(
      carver.count <= storage.count, "Slab: \(carver.count) floats carved of \(storage.count)")
    guards = carver.guards
    restoreGuards()
    return result
  }

  /// Adds all floats to those of `total`, carved alike, and becomes zero.
  package func move(to total: Slab) {
    precondition(
      storage.count == total.storage.count,
      "Slab: \(storage.count) floats added to \(total.storage.count)")
    precondition(guardsAreIntact, "Slab: a part was written beyond its end")
    kernels.add(storage.base, to: total.storage.base, count: storage.count)
    storage.buffer.update(repeating: 0)
    restoreGuards()
    total.restoreGuards()
  }

  /// Whether nothing was written between the parts.
  package var guardsAreIntact: Bool {
    guards.allSatisfy { offset in
      (0..<guardCount).allSatisfy {
        storage.base[offset + $0].bitPattern == Self.guardValue.bitPattern
      }
    }
  }

  private func restoreGuards() {
    for offset in guards {
      (storage.base + offset).update(repeating: Self.guardValue, count: guardCount)
    }
  }
}

/// One thread's buffers, carved anew for each tile or band that it works on.
final class ThreadScratch<Subject, Parts> {
  private let slab: Slab
  private let parts: (inout SlabCarver, Subject) -> Parts

  /// Buffers for any one of `subjects`.
  init(_ subjects: [Subject], _ parts: @escaping (inout SlabCarver, Subject) -> Parts) {
    self.parts = parts
    slab = Slab(forAnyOf: subjects, parts)
  }

  /// The buffers for `subject`; those of the one before may not be used any more.
  func carve(_ subject: Subject) -> Parts { slab.carve { parts(&$0, subject) } }
}
