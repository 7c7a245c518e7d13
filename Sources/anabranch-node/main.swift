import Glibc
import Node

exit(NodeProgram.run(CommandLine.arguments))
