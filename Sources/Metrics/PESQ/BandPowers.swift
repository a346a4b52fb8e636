import Audio

extension PESQ {
  /// The power in each critical band and frame.
  package struct BandPowers {
    /// The powers, [frames, Bands.count].
    package var values: [Double]

    init(frameCount: Int) {
      values = [Double](repeating: 0, count: frameCount * Bands.count)
    }

    /// The power of a band in a frame.
    package subscript(frame: Int, band: Int) -> Double {
      get { values[frame * Bands.count + band] }
      set { values[frame * Bands.count + band] = newValue }
    }

    /// Sum of the powers, over the audible bands, that exceed `factor` times the threshold of
    /// hearing.
    func audiblePower(ofFrame frame: Int, above factor: Double, bands: Bands) -> Double {
      var sum = 0.0
      for band in Bands.audible {
        let power = self[frame, band]
        if power > factor * bands.thresholds[band] { sum += power }
      }
      return sum
    }
  }

  /// The analysis of Hann-windowed frames: power spectra summed into critical bands.
  ///
  /// Source: P.862, 10.2: short-term FFT and pitch power densities.
  struct BandAnalysis {
    let bands = Bands()
    private let workspace: Workspace
    private let transform: RealFourierTransform

    init(workspace: Workspace) {
      self.workspace = workspace
      transform = workspace.transform(length: Layout.frame)
    }

    /// Writes the band powers of `samples[position ..< position + 512]` to a frame of `powers`.
    func analyse(
      _ samples: [Float], at position: Int, into powers: inout BandPowers, frame: Int
    ) {
      precondition(
        position >= 0 && position + Layout.frame <= samples.count,
        "frame at sample \(position) of \(samples.count)")
      for i in 0..<Layout.frame {
        transform.time[i] = samples[position + i] * workspace.frameWindow[i]
      }
      transform.forward()
      for band in 0..<Bands.count {
        var sum = 0.0
        for k in bands.bins[band] where k > 0 {
          let (re, im) = (Double(transform.spectrum[2 * k]), Double(transform.spectrum[2 * k + 1]))
          sum += re * re + im * im
        }
        powers[frame, band] = bands.powerFactors[band] * sum
      }
    }

    /// Band powers of all frames of the reference.
    func reference(_ samples: [Float], frames: FrameRange) -> BandPowers {
      var powers = BandPowers(frameCount: frames.analysed.count)
      for frame in frames.analysed {
        analyse(samples, at: Layout.padding + Layout.hop * frame, into: &powers, frame: frame)
      }
      return powers
    }

    /// Band powers of all frames of the degraded signal, each at the position that its delay gives;
    /// zero where the position is outside of the signal.
    func degraded(
      _ samples: [Float], frames: FrameRange, alignment: TimeAlignment
    ) -> BandPowers {
      var powers = BandPowers(frameCount: frames.analysed.count)
      for frame in frames.analysed {
        let position = Layout.padding + Layout.hop * frame
        let delayed = position + alignment.delay(at: position)
        if delayed > 0, delayed + Layout.frame < samples.count {
          analyse(samples, at: delayed, into: &powers, frame: frame)
        }
      }
      return powers
    }
  }
}
