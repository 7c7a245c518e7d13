import Configuration
import Control
import Glibc
import Hosting
import Logging

let usage = ServiceArguments.usage(
    "anabranchd", example: "Config/anabranch.json",
    signals: "SIGHUP reads the configuration again, SIGTERM and SIGINT stop.")

switch ServiceArguments(Array(CommandLine.arguments.dropFirst())) {
case .help:
    print(usage)
case .version:
    print("anabranchd \(Version.text)")
case .wrong(let message):
    writeError("anabranchd: \(message)\n\(usage)\n")
    exit(2)
case .check(let file):
    do throws(ConfigurationErrors) {
        _ = try Configuration.load(path: file)
    } catch {
        writeError("\(error)\n")
        exit(1)
    }
case .run(let file):
    do throws(StartError) {
        try Daemon.run(file: file)
    } catch {
        Log.error(error.message)
        exit(1)
    }
}

func writeError(_ text: String) {
    var text = text
    text.withUTF8 { _ = unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
