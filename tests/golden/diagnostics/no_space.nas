block f(x) = x >> relu()
