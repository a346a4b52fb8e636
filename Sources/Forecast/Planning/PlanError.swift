import Platform

/// Reasons for which there is no plan.
package enum PlanError: Error, Equatable, CustomStringConvertible {
  /// The calibration belongs to another experiment.
  case otherCalibration(path: String, option: String, measured: String, planned: String)
  /// The network is the inside of a host.
  case networkInsideHost(network: String, nodes: Int)
  /// A job would end before its first step.
  case wallTimeTooShort(seconds: Double, margin: Double)

  /// One sentence that says what to do.
  package var description: String {
    switch self {
    case .otherCalibration(let path, let option, let measured, let planned):
      "\(path) was measured with \(option) \(measured), and the plan has \(planned); measure it "
        + "again with disttrain bench step, or leave --calibration out"
    case .networkInsideHost(let network, let nodes):
      "--network \(network) is the inside of a host, and --nodes is \(nodes); name the network "
        + "between the nodes, or plan for one node"
    case .wallTimeTooShort(let seconds, let margin):
      "--wall-time is \(TimeSpan.text(seconds)), and a run stops \(TimeSpan.text(margin)) before "
        + "its end to save: a job would do nothing; ask for more time"
    }
  }
}
