import Testing

/// Relative error of an array: the largest |actual − expected| over the largest |expected|.
public func relativeError(_ actual: [Float], _ expected: [Float]) -> Double {
  var worst = 0.0
  var scale = 0.0
  for (a, e) in zip(actual, expected) {
    let difference = abs(Double(a) - Double(e))
    worst = difference.isNaN ? .infinity : max(worst, difference)
    scale = max(scale, abs(Double(e)))
  }
  return scale == 0 ? worst : worst / scale
}

/// Expects each element of `actual` to deviate by at most `tolerance` times the largest |expected|.
public func expectClose(
  _ actual: [Float], _ expected: [Float], _ tolerance: Double, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual.count == expected.count, "\(what): element counts", sourceLocation: sourceLocation)
  let error = relativeError(actual, expected)
  #expect(error <= tolerance, "\(what): off by \(error)", sourceLocation: sourceLocation)
}
