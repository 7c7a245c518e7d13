import Glibc

// A reader that goes away is seen as a failed write; a child that stops reading as well.
signal(SIGPIPE, SIG_IGN)
exit(Tool.run(Array(CommandLine.arguments.dropFirst()), .standard))
