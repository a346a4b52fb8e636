import Charts

/// The style sheet and the script of a report.
enum ReportStyle {
  /// Nothing may be loaded that is not in the file. The script is allowed by its SHA-256.
  static let policy =
    "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
    + "script-src 'sha256-07/drblGfaWKp8e7neQvmC9LCbLOQSXEfcHvUjuRUbM='; base-uri 'none'; "
    + "form-action 'none'"

  /// Script that lets only one of several players play at a time.
  static let script: Markup = """
    addEventListener('play',e=>{for(const a of document.querySelectorAll('audio'))\
    if(a!==e.target)a.pause()},true)
    """

  /// The style sheet of the page, with the reader's preferred colour scheme, and black on white on
  /// paper.
  static let sheet = Markup(
    stringLiteral: """
      :root{\(ChartStyle.lightColours);--yes:#0a6b3d;--no:#a3340a;--caution:#fff4dd;--edge:#c98a00}
      @media (prefers-color-scheme:dark){:root{\(ChartStyle.darkColours);--yes:#62d69a;\
      --no:#ff9d7a;--caution:#2d2510;--edge:#c99a2e}}
      @media print{:root{\(ChartStyle.lightColours);--ink:#000;--soft:#333;\
      --yes:#0a6b3d;--no:#a3340a;--caution:#fff;--edge:#777}}
      *{box-sizing:border-box}
      html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
      body{margin:0 auto;max-width:77rem;padding:0 1.5rem 3rem;background:var(--ground);\
      color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
      header{padding:2rem 0 .5rem}
      h1{font-size:1.7rem;line-height:1.2;margin:0 0 .6rem;overflow-wrap:anywhere}
      h2{font-size:1.25rem;line-height:1.3;margin:2.6rem 0 .9rem;padding-bottom:.3rem;\
      border-bottom:1px solid var(--line)}
      h3{font-size:1rem;margin:1.4rem 0 .2rem;overflow-wrap:anywhere}
      p{margin:.4rem 0;max-width:52rem;overflow-wrap:anywhere}
      a{color:var(--accent)}
      code{font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
      .facts{color:var(--soft);display:flex;flex-wrap:wrap;gap:.1rem 1.4rem;margin:0 0 .8rem}
      .verdict,.missing{margin:.6rem 0;padding:.6rem .9rem;border-left:4px solid var(--accent);\
      background:var(--panel);max-width:none}
      .caution,.missing{border-left-color:var(--edge);background:var(--caution)}
      .skip{position:absolute;left:-99rem}
      .skip:focus{left:1rem;top:.5rem;background:var(--ground);padding:.4rem .8rem;z-index:1}
      nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;\
      margin:.8rem 0 0}
      .note,figure .note{color:var(--soft);font-size:.875rem}
      ul.note{padding-left:1.1rem;margin:.6rem 0}
      .scroll{overflow-x:auto;max-width:100%}
      .scroll:focus-visible{outline:2px solid var(--accent)}
      table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
      th,td{padding:.38rem .7rem;text-align:left;white-space:nowrap;\
      border-bottom:1px solid var(--line);font-weight:400;vertical-align:baseline}
      thead th{color:var(--soft);font-size:.8rem;border-bottom-color:var(--soft);\
      vertical-align:bottom}
      tbody th{font-weight:500;position:sticky;left:0;background:var(--ground)}
      .n{text-align:right}
      td small{color:var(--soft)}
      .published th,.published td,.waiting td,.soft{color:var(--soft)}
      .yes{color:var(--yes)}.no{color:var(--no)}
      .grid{display:grid;gap:1.8rem 1.5rem;margin:1rem 0;\
      grid-template-columns:repeat(auto-fill,minmax(min(100%,22rem),1fr))}
      .grid.small{grid-template-columns:repeat(auto-fill,minmax(min(100%,13rem),1fr))}
      figure{margin:0;min-width:0}
      figcaption{font-weight:600;font-size:.95rem;margin-bottom:.35rem;overflow-wrap:anywhere}
      svg.chart{display:block;width:100%;height:auto;overflow:visible}
      figure.scatter{max-width:18rem}.bars{max-width:30rem}
      .grid>figure.chart{max-width:30rem}
      .scatter .mark{fill-opacity:.65}
      svg.key{display:inline-block;width:28px;height:12px;vertical-align:-1px}
      details{margin:.4rem 0}
      summary{cursor:pointer;color:var(--accent);font-size:.875rem}
      .numbers .scroll{max-height:22rem;overflow-y:auto;margin-top:.4rem}
      .example{margin:1.8rem 0}
      .clips{display:grid;gap:0 1.2rem;margin-top:.7rem;grid-template-columns:repeat(auto-fill,\
      minmax(min(100%,max(13rem,(100% - (var(--columns) - 1)*1.2rem)/var(--columns))),1fr))}
      .clip{display:grid;grid-row:span 3;grid-template-rows:subgrid;align-items:end;\
      margin-bottom:1.2rem}
      .score{white-space:nowrap;font-weight:400;color:var(--soft);margin-left:.4rem}
      .spectrogram{display:grid;grid-template-columns:1.9rem 1fr;grid-template-rows:9rem 1.3rem}
      .spectrogram img{width:100%;height:100%;display:block;image-rendering:auto;\
      border-radius:2px}
      .hertz,.seconds{position:relative;font-size:.72rem;color:var(--soft);line-height:1}
      .hertz span{position:absolute;right:.4rem;transform:translateY(50%)}
      .hertz span:first-child{transform:none}.hertz span:last-child{transform:translateY(100%)}
      .seconds span{position:absolute;top:.3rem;transform:translateX(-50%)}
      .seconds span:first-child{transform:none}
      .seconds::after{content:"s";position:absolute;right:0;top:.3rem}
      .unit{font-size:.72rem;line-height:1;color:var(--soft);padding-top:.3rem}
      audio{width:100%;height:2.4rem;margin-top:.3rem;display:block}
      .incidents{padding-left:1.1rem;margin:.3rem 0}
      .incidents li{margin:.2rem 0;overflow-wrap:anywhere}
      .kind{font-size:.78rem;border:1px solid var(--line);border-radius:3px;padding:0 .35rem;\
      margin-right:.2rem;white-space:nowrap}
      .picture img{max-width:100%;height:auto}
      .settings td{white-space:normal;overflow-wrap:anywhere;min-width:9rem}
      footer{margin-top:3rem;border-top:1px solid var(--line);color:var(--soft);font-size:.875rem}
      @media (max-width:40rem){body{padding:0 1rem 2rem}h1{font-size:1.4rem}}
      @media print{
      body{max-width:none;padding:0;font-size:10pt}
      nav,audio,.skip,.numbers{display:none}
      .scroll,.numbers .scroll{overflow:visible;max-height:none}
      table{font-size:8pt}thead th{font-size:8pt}.settings td{min-width:0}\
      th,td{white-space:normal;overflow-wrap:anywhere;padding:.2rem .4rem}
      figure,.example,tr{break-inside:avoid}h2,h3{break-after:avoid}
      details::details-content{content-visibility:visible;block-size:auto}
      .grid{grid-template-columns:repeat(2,1fr)}
      .grid.small,.clips{grid-template-columns:repeat(3,1fr)}
      svg.chart,img{print-color-adjust:exact;-webkit-print-color-adjust:exact}
      .verdict,.missing{border:1px solid var(--edge)}}
      \(ChartStyle.rules)
      """)
}
