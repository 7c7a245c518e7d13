/// The program: a command line in, an exit status out.
enum Tool {
    static let commands = DaemonCommands.all + LocalCommands.all + [Forecast.command]

    static func run(_ arguments: [String], _ console: Console) -> Int32 {
        if let status = Forecast.run(arguments) { return status }
        do throws(Failure) {
            if arguments == ["--version"] { return run(["version"], console) }
            switch try Command.parse(arguments, among: commands) {
            case .help(let command):
                console.write(command.map(Help.page) ?? Help.overview(commands))
            case .command(let command, let operands, let options):
                try command.run(Invocation(operands: operands, options: options, console: console))
            }
            return 0
        } catch {
            console.complain(error.message + "\n")
            if case .usage = error { console.complain("anabranch --help tells more\n") }
            return error.exitCode
        }
    }
}
