import Commands
import Platform

Program.main()
