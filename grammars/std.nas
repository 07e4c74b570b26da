// The standard library: operations that are compositions of others. Every .nas file sees these blocks.

block conv_bn(x, c = channels(x), k, stride = 1, dilation = 1, groups = 1) =
  x >> conv(c, k = k, stride = stride, dilation = dilation, groups = groups) >> bn()

block conv_bn_relu(x, c = channels(x), k, stride = 1, dilation = 1, groups = 1) =
  x >> conv(c, k = k, stride = stride, dilation = dilation, groups = groups) >> bn() >> relu()

block relu_conv_bn(x, c = channels(x), k, stride = 1) = x >> relu() >> conv(c, k = k, stride = stride) >> bn()

block bn_relu(x) = x >> bn() >> relu()

block dw_conv_bn_relu(x, k, stride = 1) = x >> dw_conv(k = k, stride = stride) >> bn() >> relu()

// Two strided 1x1 convolutions, the second on the map shifted by one pixel (Liu et al., ICLR 2019).
block factorized_reduce(x, c = channels(x)) =
  concat(x >> conv(c/2, k = 1, stride = 2), x >> shift() >> conv(c/2, k = 1, stride = 2)) >> bn()

block skip(x, stride = 1) = x if stride == 1 else x >> relu() >> factorized_reduce()

// DARTS's separable convolution: ReLU, depthwise, pointwise, batch norm, twice.
block sep_conv(x, c = channels(x), k, stride = 1) =
  x >> relu() >> dw_conv(k = k, stride = stride) >> conv(k = 1) >> bn()
    >> relu() >> dw_conv(k = k) >> conv(c, k = 1) >> bn()

block dil_conv(x, c = channels(x), k, stride = 1, dilation = 2) =
  x >> relu() >> dw_conv(k = k, stride = stride, dilation = dilation) >> conv(c, k = 1) >> bn()

// The auxiliary classifier of DARTS's CIFAR networks, on 8x8 maps.
block aux_head_cifar(x, classes) =
  x >> avg_pool(k = 4, stride = 4) >> conv_bn_relu(128, k = 1) >> conv_bn_relu(768, k = 1) >> global_avg_pool() >> linear(classes)
