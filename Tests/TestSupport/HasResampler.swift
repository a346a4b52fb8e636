import Audio

/// Whether libsoxr is installed, which only the preparation of corpora needs.
package let hasResampler = (try? Resampler(.high)) != nil
