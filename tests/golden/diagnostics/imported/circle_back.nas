from "circle.nas" import f

block g(x) = f(x)
