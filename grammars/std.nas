// The standard library: operations that are compositions of others. Every .nas file sees these blocks.

block conv_bn(x, c = channels(x), k, stride = 1, dilation = 1, groups = 1) =
  x >> conv(c, k = k, stride = stride, dilation = dilation, groups = groups) >> bn()

block conv_bn_relu(x, c = channels(x), k, stride = 1, dilation = 1, groups = 1) =
  x >> conv(c, k = k, stride = stride, dilation = dilation, groups = groups) >> bn() >> relu()

block relu_conv_bn(x, c = channels(x), k, stride = 1, affine = true) =
  x >> relu() >> conv(c, k = k, stride = stride) >> bn(affine = affine)

block bn_relu(x) = x >> bn() >> relu()

block dw_conv_bn_relu(x, k, stride = 1) = x >> dw_conv(k = k, stride = stride) >> bn() >> relu()

// Two strided 1x1 convolutions, the second on the map shifted by one pixel (Liu et al., ICLR 2019).
block factorized_reduce(x, c = channels(x), affine = true) =
  concat(x >> conv(c/2, k = 1, stride = 2), x >> shift() >> conv(c/2, k = 1, stride = 2)) >> bn(affine = affine)

// What DARTS makes of the older input of a cell where that is twice as large.
block relu_factorized_reduce(x, c = channels(x), affine = true) = x >> relu() >> factorized_reduce(c, affine = affine)

block skip(x, stride = 1, affine = true) = x if stride == 1 else x >> relu() >> factorized_reduce(affine = affine)

// DARTS's separable convolution: ReLU, depthwise, pointwise, batch norm, twice.
block sep_conv(x, c = channels(x), k, stride = 1, affine = true) =
  x >> relu() >> dw_conv(k = k, stride = stride) >> conv(k = 1) >> bn(affine = affine)
    >> relu() >> dw_conv(k = k) >> conv(c, k = 1) >> bn(affine = affine)

block dil_conv(x, c = channels(x), k, stride = 1, dilation = 2, affine = true) =
  x >> relu() >> dw_conv(k = k, stride = stride, dilation = dilation) >> conv(c, k = 1) >> bn(affine = affine)

// The auxiliary classifiers of DARTS's final networks: on 8x8 maps (CIFAR) and on 7x7 maps (ImageNet; there the second
// convolution has no batch norm, as in the public code).
block aux_head_cifar(x, classes) =
  x >> relu() >> avg_pool(k = 5, stride = 3, padding = 0) >> conv_bn_relu(128, k = 1)
    >> conv(768, k = 2, padding = 0) >> bn_relu() >> linear(classes)

block aux_head_imagenet(x, classes) =
  x >> relu() >> avg_pool(k = 5, stride = 2, padding = 0) >> conv_bn_relu(128, k = 1)
    >> conv(768, k = 2, padding = 0) >> relu() >> linear(classes)

// A depthwise and a pointwise convolution, each with batch norm and ReLU, as in DeepLab.
block dw_sep_conv(x, c = channels(x), k, stride = 1, dilation = 1) =
  x >> dw_conv(k = k, stride = stride, dilation = dilation) >> bn() >> relu() >> conv_bn_relu(c, k = 1)

block conv_gn_relu(x, c = channels(x), k, groups = 32) = x >> conv(c, k = k) >> gn(groups = groups) >> relu()

// Expand to `mid` channels, convolve each by itself, project: the inverted residual (Sandler et al., CVPR 2018).
block inverted_residual(x, c, mid, k, stride = 1) {
  y = x >> conv_bn_relu(mid, k = 1) >> dw_conv_bn_relu(k = k, stride = stride) >> conv_bn(c, k = 1)
  return sum(x, y) if stride == 1 and channels(x) == c else y
}
