block f(x) = x >>
