import DistTrain

TrainCommand.main()
