block stem(x) = x >> conv_bn_relu(8, k = 3)

block head(x) = x >> relu()

block neck(x) = x >> relu()
