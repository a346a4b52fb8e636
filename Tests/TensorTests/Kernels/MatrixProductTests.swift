import KernelAPI
import Tensor
import Testing

/// The matrix products, ours and OpenBLAS's, against textbook loops in `Double`.
struct MatrixProductTests {
  enum Start: CaseIterable { case overwrite, accumulate, bias }

  /// One product: A by rows or by columns, rows of B and C longer than their contents.
  struct Problem {
    let (m, n, k): (Int, Int, Int)
    let a: KernelBuffer
    let b: KernelBuffer
    let c: KernelBuffer
    let bias: KernelBuffer
    let byColumns: Bool
    let aStride: Int
    let bStride: Int
    let cStride: Int

    init(m: Int, n: Int, k: Int, byColumns: Bool) {
      (self.m, self.n, self.k) = (m, n, k)
      self.byColumns = byColumns
      let seed = UInt64(m * 1_000_003 + n * 1009 + k)
      aStride = (byColumns ? m : k) + 3
      bStride = n + 16
      cStride = n + 5
      a = KernelBuffer(
        rows: byColumns ? k : m, width: byColumns ? m : k, stride: aStride, seed: seed, "a")
      b = KernelBuffer(rows: k, width: n, stride: bStride, seed: seed, "b")
      c = KernelBuffer(rows: m, width: cStride, stride: cStride, seed: seed, "c")
      bias = KernelBuffer(rows: 1, width: n, stride: n, seed: seed, "bias")
    }

    var left: MatrixView {
      byColumns ? a.matrix(m, stride: aStride).transposed : a.matrix(k, stride: aStride)
    }
    var right: MatrixView { b.matrix(n, stride: bStride) }
    func output(_ c: KernelBuffer) -> MatrixView { c.matrix(n, stride: cStride) }

    func start(_ start: Start) -> ProductStart {
      switch start {
      case .overwrite: .overwrite
      case .accumulate: .accumulate
      case .bias: .bias(bias.pointer)
      }
    }

    /// A·B and |A|·|B|, [m, n].
    func exact() -> (product: [Double], magnitude: [Double]) {
      var product = [Double](repeating: 0, count: m * n)
      var magnitude = product
      let left = left
      for i in 0..<m {
        for l in 0..<k {
          let x = Double(left.base[i * left.stride + l * left.columnStride])
          for j in 0..<n {
            let term = x * Double(b.base[l * bStride + j])
            product[i * n + j] += term
            magnitude[i * n + j] += abs(term)
          }
        }
      }
      return (product, magnitude)
    }
  }

  /// Runs `multiply` on a copy of C for every start; an element may be off by (k + 1)·2⁻²⁴ of the
  /// sum of its terms' magnitudes, the bound for any order of additions (Higham 2002, section 3.1).
  private func expectRight(
    _ problem: Problem, _ exact: (product: [Double], magnitude: [Double]),
    _ multiply: (Problem, KernelBuffer, ProductStart) -> Void
  ) {
    let (m, n, k, stride) = (problem.m, problem.n, problem.k, problem.cStride)
    for start in Start.allCases {
      let before = problem.c.elements
      let c = KernelBuffer(before)
      multiply(problem, c, problem.start(start))
      let after = c.elements
      var worst = 0.0
      for i in 0..<m {
        for j in 0..<n {
          let first =
            switch start {
            case .overwrite: 0.0
            case .accumulate: Double(before[i * stride + j])
            case .bias: Double(problem.bias.base[j])
            }
          let error = abs(Double(after[i * stride + j]) - first - exact.product[i * n + j])
          let bound =
            Double(k + 1) * 0x1p-24 * (exact.magnitude[i * n + j] + abs(first)) + 1e-30
          worst = error.isNaN ? .infinity : max(worst, error / bound)
        }
        // Between the rows of C nothing changes.
        let gap = i * stride + n..<(i + 1) * stride
        #expect(after[gap] == before[gap])
      }
      #expect(
        worst <= 1, "\(m) × \(n) × \(k), \(start), A by columns: \(problem.byColumns): \(worst)")
      #expect(c.isIntact)
    }
  }

  static let rows = [1, 2, 3, 5, 6, 7, 8, 9, 11, 12, 13, 16, 23, 24, 25, 31]
  static let depths = [0, 1, 2, 3, 5, 8, 17, 64, 127]

  /// Every remainder of every tile height, every number of vectors up to ten.
  @Test(arguments: availableKernels, [false, true])
  func matchesReference(kernel: any KernelSet.Type, byColumns: Bool) {
    for m in Self.rows {
      for n in stride(from: 16, through: 160, by: 16) {
        for k in Self.depths {
          let problem = Problem(m: m, n: n, k: k, byColumns: byColumns)
          expectRight(problem, problem.exact()) { problem, c, start in
            kernel.matrixProduct(problem.left, problem.right, into: problem.output(c), start)
          }
        }
      }
    }
  }

  /// The reference path, OpenBLAS, keeps the bound of the kernels.
  @Test(arguments: [false, true]) func openBLAS(byColumns: Bool) {
    for m in [1, 5, 12, 25] {
      for n in [16, 48, 80, 160] {
        for k in Self.depths {
          let problem = Problem(m: m, n: n, k: k, byColumns: byColumns)
          expectRight(problem, problem.exact()) { problem, c, start in
            openBLASProduct(problem.left, problem.right, into: problem.output(c), start)
          }
        }
      }
    }
  }

  /// A large product against OpenBLAS, the size of an in_proj of one sequence and of its gradient.
  @Test(arguments: availableKernels, [(251, 256, 128, false), (256, 128, 251, true)])
  func agreesWithOpenBLAS(kernel: any KernelSet.Type, size: (Int, Int, Int, Bool)) {
    let problem = Problem(m: size.0, n: size.1, k: size.2, byColumns: size.3)
    let (ours, theirs) = (KernelBuffer(problem.c.elements), KernelBuffer(problem.c.elements))
    kernel.matrixProduct(problem.left, problem.right, into: problem.output(ours), .accumulate)
    openBLASProduct(problem.left, problem.right, into: problem.output(theirs), .accumulate)
    let difference = zip(ours.elements, theirs.elements).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(difference <= 2e-5)
  }

  /// A row of C depends on its row of A alone, not on the rows computed beside it.
  @Test(arguments: availableKernels) func rowsAreIndependent(kernel: any KernelSet.Type) {
    let problem = Problem(m: 31, n: 160, k: 65, byColumns: false)
    func product(_ first: Int, _ count: Int) -> [Float] {
      let c = KernelBuffer(count * 160)
      kernel.matrixProduct(
        problem.left.rows(from: first, count: count), problem.right, into: c.matrix(160),
        .overwrite)
      return c.elements
    }
    let all = product(0, 31)
    for first in 0..<31 { #expect(product(first, 1)[...] == all[first * 160..<(first + 1) * 160]) }
    #expect(product(7, 13)[...] == all[7 * 160..<20 * 160])
  }

  @Test(arguments: availableKernels) func addColumnSums(kernel: any KernelSet.Type) {
    for rows in [0, 1, 2, 3, 30, 251] {
      for columns in [16, 48, 128] {
        let stride = columns + 16
        let x = KernelBuffer(rows: rows, width: columns, stride: stride, seed: 1, "x")
        let out = KernelBuffer(rows: 1, width: columns, stride: columns, seed: 1, "out")
        var expected = out.elements.map(Double.init)
        var magnitude = expected.map { abs($0) }
        for row in 0..<rows {
          for j in 0..<columns {
            expected[j] += Double(x.base[row * stride + j])
            magnitude[j] += abs(Double(x.base[row * stride + j]))
          }
        }
        kernel.addColumnSums(x.matrix(columns, stride: stride), to: out.base)
        let allowed = magnitude.map { Double(rows + 1) * 0x1p-24 * $0 }
        #expect(worstExcess(out.elements, expected, allowed: allowed) <= 1, "\(rows) × \(columns)")
        #expect(out.isIntact)
      }
    }
  }

  /// y += x of any count, in whole vectors or not.
  @Test(arguments: availableKernels) func add(kernel: any KernelSet.Type) {
    for count in [0, 1, 15, 16, 17, 47, 64] {
      let x = randomFloats(count, -1...1, seed: 1, stream: "x")
      let y = randomFloats(count, -1...1, seed: 1, stream: "y")
      let out = KernelBuffer(y)
      kernel.add(KernelBuffer(x).pointer, to: out.base, count: count)
      #expect(out.elements == zip(x, y).map { $1 + $0 })
      #expect(out.isIntact)
    }
  }
}
