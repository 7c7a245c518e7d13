import ForecastCommand
import Glibc

exit(ForecastCommand.run(arguments: Array(CommandLine.arguments.dropFirst())))
