import DistTrain

TrainCommand.main(Array(CommandLine.arguments.dropFirst(2)))
