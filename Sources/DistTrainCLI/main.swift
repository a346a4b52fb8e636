import DistTrain

Program.main()
