import KernelAPI
import Tensor
import Testing

/// Slabs and the views that they are carved into.
struct SlabTests {
  private struct Parts {
    let vector: MutableFloatPointer
    let matrix: MatrixView
    let last: MutableFloatPointer

    init(_ parts: inout SlabCarver, rows: Int) {
      vector = parts.vector(5)
      matrix = parts.matrix(rows: rows, columns: 17)
      last = parts.vector(16)
    }
  }

  @Test func partsLieSideBySideInWholeVectors() {
    let (slab, parts) = Slab.carved(zeroed: true) { Parts(&$0, rows: 3) }
    let guards = (parts.matrix.base - parts.vector) - 16
    #expect(Int(bitPattern: parts.vector) % 64 == 0)
    #expect(guards % 16 == 0 && guards >= 0)
    #expect(parts.matrix.stride == 32 && parts.matrix.paddedColumns == 32)
    #expect(parts.last - parts.matrix.base == 3 * 32 + guards)
    #expect((0..<16).allSatisfy { parts.last[$0] == 0 })
    withExtendedLifetime(slab) {}
  }

  /// The list of parts that carves a buffer says how large it is.
  @Test func sizeIsThatOfTheParts() {
    for guardCount in [0, 32] {
      let expected = 16 + 2 * 32 + 16 + 3 * guardCount
      #expect(SlabCarver.floatCount(guardCount: guardCount) { Parts(&$0, rows: 2) } == expected)
    }
  }

  @Test func fewerRowsFitIntoTheSameSlab() {
    let slab = Slab(guardCount: 16) { Parts(&$0, rows: 7) }
    for rows in [7, 1, 4] {
      let parts = slab.carve { Parts(&$0, rows: rows) }
      for row in 0..<rows { parts.matrix.row(row).update(repeating: 1, count: 32) }
      parts.vector.update(repeating: 1, count: 16)
      parts.last.update(repeating: 1, count: 16)
      #expect(slab.guardsAreIntact)
    }
  }

  /// One float behind the end of any part, padding included, is seen.
  @Test func guardsSeeWhatIsWrittenBehindAPart() {
    let slab = Slab(guardCount: 16) { Parts(&$0, rows: 2) }
    let parts = slab.carve { Parts(&$0, rows: 2) }
    for end in [parts.vector + 16, parts.matrix.base + 2 * 32, parts.last + 16] {
      let guardValue = end.pointee
      #expect(guardValue.isNaN)
      end.pointee = 0
      #expect(!slab.guardsAreIntact)
      end.pointee = guardValue
      #expect(slab.guardsAreIntact)
    }
  }

  @Test func sumsMoveToATotal() {
    func sums() -> (slab: Slab, parts: Parts) {
      let slab = Slab(zeroed: true, guardCount: 16) { Parts(&$0, rows: 2) }
      return (slab, slab.carve { Parts(&$0, rows: 2) })
    }
    let (mine, total) = (sums(), sums())
    for round in 1...2 {
      mine.parts.vector[4] = 2
      mine.parts.matrix.row(1)[16] = 3
      mine.slab.move(to: total.slab)
      #expect(mine.parts.vector[4] == 0 && mine.parts.matrix.row(1)[16] == 0)
      #expect(total.parts.vector[4] == 2 * Float(round))
      #expect(total.parts.matrix.row(1)[16] == 3 * Float(round))
      #expect(total.parts.last[0] == 0)
    }
    #expect(mine.slab.guardsAreIntact && total.slab.guardsAreIntact)
  }

  @Test func viewsOfAMatrix() {
    let buffer = KernelBuffer((0..<4 * 32).map(Float.init))
    let matrix = buffer.matrix(20, stride: 32)
    func element(_ view: MatrixView, _ i: Int, _ j: Int) -> Float {
      view.base[i * view.stride + j * view.columnStride]
    }
    let part = matrix.rows(from: 1, count: 2).columns(from: 16, count: 3)
    #expect(part.rows == 2 && part.columns == 3 && part.stride == 32)
    #expect(element(part, 1, 2) == 2 * 32 + 18)
    let transposed = part.transposed
    #expect(transposed.rows == 3 && transposed.columns == 2)
    #expect(element(transposed, 2, 1) == element(part, 1, 2))
    #expect(element(transposed.columns(from: 1, count: 1), 2, 0) == element(part, 1, 2))
    #expect(element(transposed.transposed, 1, 2) == element(part, 1, 2))
  }
}
